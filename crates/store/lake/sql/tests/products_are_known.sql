-- Every product of a fact is a row of dim_product.
SELECT fact.product_key FROM (
    SELECT DISTINCT product_key FROM curated.fact_sales
    UNION SELECT DISTINCT product_key FROM curated.fact_inventory
    UNION SELECT DISTINCT product_key FROM curated.fact_deliveries
    UNION SELECT DISTINCT product_key FROM curated.fact_alerts WHERE sku IS NOT NULL
    UNION SELECT DISTINCT product_key FROM curated.fact_waste
) AS fact
LEFT ANTI JOIN curated.dim_product AS product ON product.product_key = fact.product_key

-- Every store of a fact is a row of dim_store.
SELECT fact.store_key FROM (
    SELECT DISTINCT store_key FROM curated.fact_sales
    UNION SELECT DISTINCT store_key FROM curated.fact_inventory
    UNION SELECT DISTINCT store_key FROM curated.fact_deliveries
    UNION SELECT DISTINCT store_key FROM curated.fact_alerts
    UNION SELECT DISTINCT store_key FROM curated.fact_waste
) AS fact
LEFT ANTI JOIN curated.dim_store AS store ON store.store_key = fact.store_key

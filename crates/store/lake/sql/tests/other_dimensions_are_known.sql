-- Every category, brand, way to pay, kind of customer and supplier of a fact is in its dimension.
SELECT DISTINCT sale.category_key AS missing FROM curated.fact_sales AS sale
LEFT ANTI JOIN curated.dim_category AS d ON d.category_key = sale.category_key
UNION ALL
SELECT DISTINCT sale.brand_key FROM curated.fact_sales AS sale
LEFT ANTI JOIN curated.dim_brand AS d ON d.brand_key = sale.brand_key
UNION ALL
SELECT DISTINCT sale.payment_method_key FROM curated.fact_sales AS sale
LEFT ANTI JOIN curated.dim_payment_method AS d ON d.payment_method_key = sale.payment_method_key
UNION ALL
SELECT DISTINCT sale.customer_type_key FROM curated.fact_sales AS sale
LEFT ANTI JOIN curated.dim_customer_type AS d ON d.customer_type_key = sale.customer_type_key
UNION ALL
SELECT DISTINCT delivery.supplier_key FROM curated.fact_deliveries AS delivery
LEFT ANTI JOIN curated.dim_supplier AS d ON d.supplier_key = delivery.supplier_key

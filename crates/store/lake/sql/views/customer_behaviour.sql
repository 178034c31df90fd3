-- What known customers bought in the last 90 days of the facts.
--
-- customer_id text: The customer.
-- shopping_days bigint: Days on which they bought something.
-- receipts bigint: Their receipts.
-- units bigint: Units bought, less those brought back.
-- revenue numeric: What they paid.
-- average_basket double precision: Revenue by receipts.
-- first_purchase date: The first day on which they bought something.
-- last_purchase date: The last day on which they bought something.
-- stores bigint: Stores in which they bought.
-- products bigint: Different products.
-- payment_methods bigint: Different ways in which they paid.
SELECT
    sale.customer_id,
    COUNT(DISTINCT sale.event_date) AS shopping_days,
    COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id) AS receipts,
    SUM(sale.units) AS units,
    SUM(sale.revenue) AS revenue,
    CAST(SUM(sale.revenue) AS DOUBLE)
        / nullif(COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id), 0)
        AS average_basket,
    MIN(sale.event_date) AS first_purchase,
    MAX(sale.event_date) AS last_purchase,
    COUNT(DISTINCT sale.store_id) AS stores,
    COUNT(DISTINCT sale.sku) AS products,
    COUNT(DISTINCT sale.payment_method_key) AS payment_methods
FROM curated.fact_sales AS sale
WHERE sale.customer_id IS NOT NULL
    AND sale.event_date > (SELECT MAX(event_date) FROM curated.fact_sales) - INTERVAL '90 days'
GROUP BY sale.customer_id

-- What each category sold in the last 30 days of the facts.
--
-- category text: The category.
-- stores bigint: Stores that sold it.
-- customers bigint: Known customers who bought it.
-- receipts bigint: Receipts that it is on.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- profit numeric: Revenue less cost, of the lines whose cost is known.
-- margin_percent double precision: Profit by revenue, in per cent.
-- units_per_receipt double precision: Units by receipts.
SELECT
    category.category,
    COUNT(DISTINCT sale.store_id) AS stores,
    COUNT(DISTINCT sale.customer_id) AS customers,
    COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id) AS receipts,
    SUM(sale.units) AS units,
    SUM(sale.revenue) AS revenue,
    SUM(sale.profit) AS profit,
    100 * CAST(SUM(sale.profit) AS DOUBLE) / nullif(CAST(SUM(sale.revenue) AS DOUBLE), 0)
        AS margin_percent,
    CAST(SUM(sale.units) AS DOUBLE)
        / nullif(COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id), 0)
        AS units_per_receipt
FROM curated.fact_sales AS sale
JOIN curated.dim_category AS category ON category.category_key = sale.category_key
WHERE sale.event_date > (SELECT MAX(event_date) FROM curated.fact_sales) - INTERVAL '30 days'
GROUP BY category.category

-- Sales of each day, store and product.
--
-- event_date date: The store's own date.
-- store_id text: The store.
-- sku text: The product.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- profit numeric: Revenue less cost, of the lines whose cost is known.
-- receipts bigint: Receipts that the product is on.
SELECT
    sale.event_date,
    sale.store_id,
    sale.sku,
    SUM(sale.units) AS units,
    SUM(sale.revenue) AS revenue,
    SUM(sale.profit) AS profit,
    COUNT(DISTINCT sale.receipt_id) AS receipts
FROM curated.fact_sales AS sale
GROUP BY sale.event_date, sale.store_id, sale.sku

-- Sales of each day, store and product.
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

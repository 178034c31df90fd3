-- How often stock was sold over the last 30 days of the facts.
--
-- store_id text: The store.
-- sku text: The product.
-- average_units double precision: Units in the shop at the end of a day, on average.
-- sold_units bigint: Units sold, less those that came back.
-- turnover double precision: Units sold by average units: how often the stock was sold.
-- days_with_sales bigint: Days on which it was sold.
-- stock_out_minutes bigint: Minutes of opening time in which the shelf was empty.
SELECT
    stock.store_id,
    stock.sku,
    AVG(stock.close_units) AS average_units,
    SUM(stock.sold_units - stock.returned_units) AS sold_units,
    CAST(SUM(stock.sold_units - stock.returned_units) AS DOUBLE) / nullif(AVG(stock.close_units), 0)
        AS turnover,
    SUM(CASE WHEN stock.sold_units > 0 THEN 1 ELSE 0 END) AS days_with_sales,
    SUM(stock.stock_out_minutes) AS stock_out_minutes
FROM curated.fact_inventory AS stock
WHERE stock.event_date > (SELECT MAX(event_date) FROM curated.fact_inventory) - INTERVAL '30 days'
GROUP BY stock.store_id, stock.sku

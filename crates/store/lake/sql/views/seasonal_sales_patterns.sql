-- Sales by month, day of the week and category over the last 365 days of the facts.
--
-- month integer: The month, from 1.
-- month_name text: The month's name.
-- day_of_week integer: The day of the week, Monday 1.
-- day_name text: The day's name.
-- weekend boolean: Whether it is a Saturday or a Sunday.
-- holiday boolean: Whether it is a public holiday of Italy.
-- category text: The category.
-- units bigint: Units sold, less those that came back.
-- revenue numeric: What they came to.
-- receipts bigint: Receipts that the category is on.
SELECT
    date.month,
    date.month_name,
    date.day_of_week,
    date.day_name,
    date.weekend,
    date.holiday,
    category.category,
    SUM(sale.units) AS units,
    SUM(sale.revenue) AS revenue,
    COUNT(DISTINCT sale.store_id || ' ' || sale.receipt_id) AS receipts
FROM curated.fact_sales AS sale
JOIN curated.dim_date AS date ON date.date_key = sale.date_key
JOIN curated.dim_category AS category ON category.category_key = sale.category_key
WHERE sale.event_date > (SELECT MAX(event_date) FROM curated.fact_sales) - INTERVAL '365 days'
GROUP BY
    date.month, date.month_name, date.day_of_week, date.day_name, date.weekend, date.holiday,
    category.category

-- Sales by month, day of the week and category over the last 365 days of the facts.
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

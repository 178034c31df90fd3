-- The statements of `shelf bench sql_queries`: what the tiles, lists and charts of a dashboard ask.
-- Each begins with its name. They are written so that DuckDB understands them too.

-- name: tiles_of_a_day
SELECT sum(revenue) AS revenue, sum(units) AS units, count(DISTINCT receipt_id) AS receipts
FROM curated.fact_sales WHERE event_date = DATE '2026-12-30';

-- name: revenue_by_day_of_a_month
SELECT event_date, sum(revenue) AS revenue, sum(profit) AS profit
FROM curated.fact_sales WHERE event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY event_date ORDER BY event_date;

-- name: revenue_by_month
SELECT d.month, sum(s.revenue) AS revenue, sum(s.units) AS units
FROM curated.fact_sales s JOIN curated.dim_date d ON d.date_key = s.date_key
GROUP BY d.month ORDER BY d.month;

-- name: top_products_of_a_week
SELECT p.sku, max(p.name) AS name, sum(s.revenue) AS revenue, sum(s.units) AS units
FROM curated.fact_sales s JOIN curated.dim_product p ON p.product_key = s.product_key
WHERE s.event_date BETWEEN DATE '2026-12-24' AND DATE '2026-12-30'
GROUP BY p.sku ORDER BY revenue DESC, p.sku LIMIT 20;

-- name: categories_of_a_month
SELECT c.category, sum(s.revenue) AS revenue, sum(s.profit) AS profit
FROM curated.fact_sales s JOIN curated.dim_category c ON c.category_key = s.category_key
WHERE s.event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY c.category ORDER BY revenue DESC, c.category;

-- name: hours_of_a_week
SELECT extract(hour FROM sold_at) AS hour, sum(revenue) AS revenue, count(*) AS lines
FROM curated.fact_sales
WHERE event_date BETWEEN DATE '2026-12-24' AND DATE '2026-12-30'
GROUP BY 1 ORDER BY 1;

-- name: weekdays_of_a_year
SELECT d.day_of_week, d.day_name, sum(s.revenue) AS revenue, sum(s.units) AS units
FROM curated.fact_sales s JOIN curated.dim_date d ON d.date_key = s.date_key
GROUP BY d.day_of_week, d.day_name ORDER BY d.day_of_week;

-- name: payment_methods_of_a_year
SELECT m.payment_method, count(*) AS lines, sum(s.revenue) AS revenue
FROM curated.fact_sales s
JOIN curated.dim_payment_method m ON m.payment_method_key = s.payment_method_key
GROUP BY m.payment_method ORDER BY revenue DESC, m.payment_method;

-- name: baskets_of_a_month
SELECT event_date, count(*) AS receipts, avg(units) AS units, sum(total) / count(*) AS average
FROM raw.pos_transactions WHERE event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY event_date ORDER BY event_date;

-- name: customers_by_kind_of_a_month
SELECT t.customer_type, count(DISTINCT s.customer_id) AS customers, sum(s.revenue) AS revenue
FROM curated.fact_sales s
JOIN curated.dim_customer_type t ON t.customer_type_key = s.customer_type_key
WHERE s.event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY t.customer_type ORDER BY revenue DESC, t.customer_type;

-- name: stock_outs_of_a_month
SELECT sku, sum(stock_out_minutes) AS minutes
FROM curated.fact_inventory
WHERE event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY sku ORDER BY minutes DESC, sku LIMIT 20;

-- name: stock_outs_by_day_of_a_year
SELECT event_date, sum(stock_out_minutes) AS minutes,
    sum(CASE WHEN stock_out_minutes > 0 THEN 1 ELSE 0 END) AS products
FROM curated.fact_inventory GROUP BY event_date ORDER BY event_date;

-- name: waste_by_cause_and_month
SELECT d.month, w.cause, sum(w.units) AS units, sum(w.cost) AS cost
FROM curated.fact_waste w JOIN curated.dim_date d ON d.date_key = w.date_key
GROUP BY d.month, w.cause ORDER BY d.month, w.cause;

-- name: waste_against_revenue
WITH sold AS (SELECT date_key, sum(revenue) AS revenue FROM curated.fact_sales GROUP BY date_key),
wasted AS (SELECT date_key, sum(cost) AS cost FROM curated.fact_waste GROUP BY date_key)
SELECT d.month, sum(wasted.cost) AS cost, sum(sold.revenue) AS revenue
FROM sold JOIN curated.dim_date d ON d.date_key = sold.date_key
LEFT JOIN wasted ON wasted.date_key = sold.date_key
GROUP BY d.month ORDER BY d.month;

-- name: alerts_by_rule_of_a_month
SELECT rule, severity, count(*) AS alerts
FROM curated.fact_alerts WHERE event_date BETWEEN DATE '2026-12-01' AND DATE '2026-12-31'
GROUP BY rule, severity ORDER BY alerts DESC, rule, severity;

-- name: time_to_act_by_severity
SELECT severity, count(*) AS alerts, avg(open_minutes) AS minutes, max(open_minutes) AS longest
FROM curated.fact_alerts WHERE ended_at IS NOT NULL GROUP BY severity ORDER BY severity;

-- name: deliveries_by_supplier
SELECT s.supplier_id, count(*) AS deliveries, sum(f.units) AS units, sum(f.cost) AS cost
FROM curated.fact_deliveries f JOIN curated.dim_supplier s ON s.supplier_key = f.supplier_key
GROUP BY s.supplier_id ORDER BY units DESC, s.supplier_id;

-- name: one_product_through_a_year
SELECT event_date, sum(units) AS units, sum(revenue) AS revenue
FROM curated.fact_sales WHERE sku = 'BEVWAT0003' GROUP BY event_date ORDER BY event_date;

-- name: stock_of_one_product
SELECT event_date, open_units, received_units, sold_units, removed_units, close_units
FROM curated.fact_inventory
WHERE sku = 'BEVWAT0003' AND event_date >= DATE '2026-10-01' ORDER BY event_date;

-- name: customers_by_hour_of_a_week
SELECT event_date, extract(hour FROM event_at) AS hour, count(*) AS visits
FROM raw.foot_traffic
WHERE event_type <> 'exit' AND event_date BETWEEN DATE '2026-12-24' AND DATE '2026-12-30'
GROUP BY 1, 2 ORDER BY 1, 2;

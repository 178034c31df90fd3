-- Alerts that stand, with the names of their products, the most severe first.
--
-- store_id text: The store.
-- alert_id text: Its id within the store.
-- rule text: The rule.
-- severity text: info, warning or critical.
-- status text: open, acknowledged or snoozed.
-- sku text: The product; none where it is about the store.
-- name text: The product's name for people.
-- category text: The product's category.
-- opened_at timestamp with time zone: When it opened.
-- count bigint: How often the problem was seen.
SELECT
    alert.store_id,
    alert.alert_id,
    alert.rule,
    alert.severity,
    alert.status,
    alert.sku,
    product.name,
    product.category,
    alert.opened_at,
    alert.count
FROM curated.fact_alerts AS alert
LEFT JOIN curated.dim_product AS product ON product.product_key = alert.product_key
WHERE alert.ended_at IS NULL
ORDER BY
    CASE alert.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, alert.opened_at

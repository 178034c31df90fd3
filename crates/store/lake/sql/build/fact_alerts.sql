-- Alerts that opened on the days from $from to $to, as they stand. Their life may go on after
-- these days, so all later rows are read.
WITH changes AS (
    SELECT
        alert.*,
        ROW_NUMBER() OVER (
            PARTITION BY store_id, alert_id ORDER BY log_offset DESC, effect_no DESC
        ) AS newest,
        MIN(CASE WHEN status = 'acknowledged' THEN changed_at END)
            OVER (PARTITION BY store_id, alert_id) AS acknowledged_at
    FROM ops.alerts AS alert
    WHERE event_date >= DATE '$from' AND opened_date BETWEEN DATE '$from' AND DATE '$to'
)
SELECT
    alert.opened_date AS event_date,
    CAST(date_format(alert.opened_date, '%Y%m%d') AS INTEGER) AS date_key,
    natural_key(alert.store_id) AS store_key,
    product.product_key,
    alert.store_id,
    alert.alert_id,
    alert.rule,
    alert.severity,
    alert.place,
    alert.sku,
    alert.status,
    alert.opened_at,
    alert.acknowledged_at,
    CASE WHEN alert.status IN ('resolved', 'dismissed') THEN alert.changed_at END AS ended_at,
    CASE WHEN alert.status IN ('resolved', 'dismissed')
        THEN CAST(date_part('epoch', alert.changed_at - alert.opened_at) / 60 AS BIGINT) END
        AS open_minutes,
    alert.count
FROM changes AS alert
LEFT JOIN curated.dim_product AS product
    ON product.store_id = alert.store_id
    AND product.sku = alert.sku
    AND alert.opened_at >= product.valid_from
    AND (product.valid_to IS NULL OR alert.opened_at < product.valid_to)
WHERE alert.newest = 1

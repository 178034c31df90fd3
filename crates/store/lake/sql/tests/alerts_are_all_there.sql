-- Every alert is a fact, once, in the state of its last change.
SELECT * FROM (
    SELECT store_id, alert_id, status FROM (
        SELECT
            store_id, alert_id, status,
            ROW_NUMBER() OVER (
                PARTITION BY store_id, alert_id ORDER BY log_offset DESC, effect_no DESC
            ) AS newest
        FROM ops.alerts
    ) WHERE newest = 1
) AS alert
FULL JOIN (
    SELECT store_id AS store, alert_id AS id, status AS state FROM curated.fact_alerts
) AS fact ON fact.store = alert.store_id AND fact.id = alert.alert_id
WHERE (status IS DISTINCT FROM state)

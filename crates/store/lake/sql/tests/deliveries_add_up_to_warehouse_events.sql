-- The deliveries of each day are the wh_in of the day.
SELECT * FROM (
    SELECT event_date, COUNT(*) AS told, SUM(units) AS units
    FROM raw.wh_events WHERE event_type = 'wh_in' GROUP BY event_date
) AS event
FULL JOIN (
    SELECT event_date AS day, COUNT(*) AS facts, SUM(units) AS delivered
    FROM curated.fact_deliveries GROUP BY event_date
) AS fact ON fact.day = event.event_date
WHERE (told IS DISTINCT FROM facts) OR (units IS DISTINCT FROM delivered)

-- The waste of each day is what was removed on the day and not transferred.
SELECT * FROM (
    SELECT event_date, SUM(units) AS units, SUM(cost) AS cost
    FROM ops.removals WHERE cause <> 'transferred' GROUP BY event_date
) AS removal
FULL JOIN (
    SELECT event_date AS day, SUM(units) AS wasted, SUM(cost) AS lost
    FROM curated.fact_waste GROUP BY event_date
) AS fact ON fact.day = removal.event_date
WHERE (units IS DISTINCT FROM wasted) OR (cost IS DISTINCT FROM lost)

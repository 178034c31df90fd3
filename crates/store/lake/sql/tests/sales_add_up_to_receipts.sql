-- The sales of each day are the receipt lines of the day, to the unit and the cent.
SELECT * FROM (
    SELECT event_date, COUNT(*) AS lines, SUM(units) AS units, SUM(total) AS total
    FROM raw.pos_lines GROUP BY event_date
) AS told
FULL JOIN (
    SELECT event_date AS day, COUNT(*) AS sales, SUM(units) AS sold, SUM(revenue) AS revenue
    FROM curated.fact_sales GROUP BY event_date
) AS fact ON fact.day = told.event_date
WHERE (lines IS DISTINCT FROM sales) OR (units IS DISTINCT FROM sold)
    OR (total IS DISTINCT FROM revenue)

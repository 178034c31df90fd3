-- Every day of a fact is a day of dim_date.
SELECT fact.date_key FROM (
    SELECT DISTINCT date_key FROM curated.fact_sales
    UNION SELECT DISTINCT date_key FROM curated.fact_inventory
    UNION SELECT DISTINCT date_key FROM curated.fact_deliveries
    UNION SELECT DISTINCT date_key FROM curated.fact_alerts
    UNION SELECT DISTINCT date_key FROM curated.fact_waste
) AS fact
LEFT ANTI JOIN curated.dim_date AS date ON date.date_key = fact.date_key

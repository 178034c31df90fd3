-- Stocks and durations are not negative, and words are those that are known.
SELECT 'close' AS what FROM curated.fact_inventory WHERE close_units < 0
UNION ALL
SELECT 'stock_out' FROM curated.fact_inventory WHERE stock_out_minutes NOT BETWEEN 0 AND 1500
UNION ALL
SELECT 'alert' FROM curated.fact_alerts
WHERE open_minutes < 0 OR severity NOT IN ('info', 'warning', 'critical')
    OR status NOT IN ('open', 'acknowledged', 'snoozed', 'resolved', 'dismissed')
UNION ALL
SELECT 'waste' FROM curated.fact_waste
WHERE units <= 0 OR cause NOT IN ('expired', 'damaged', 'recalled', 'stolen')
UNION ALL
SELECT 'delivery' FROM curated.fact_deliveries WHERE units <= 0
UNION ALL
SELECT 'date' FROM curated.dim_date WHERE month NOT BETWEEN 1 AND 12 OR week NOT BETWEEN 1 AND 53

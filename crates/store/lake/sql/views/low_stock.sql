-- Products of which too little is left, the scarcest first.
SELECT store_id, sku, name, category, on_hand_units, daily_units, status
FROM curated.current_inventory
WHERE status <> 'normal'
ORDER BY on_hand_units / greatest(daily_units, 0.01), store_id, sku

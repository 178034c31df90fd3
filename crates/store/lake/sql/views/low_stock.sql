-- Products of which too little is left, the scarcest first.
--
-- store_id text: The store.
-- sku text: The product.
-- name text: The product's name for people.
-- category text: The product's category.
-- on_hand_units bigint: Units in the shop at the end of the last day of the facts.
-- daily_units double precision: Units sold in a day, on average of the last 14 days.
-- status text: out, critical or low.
SELECT store_id, sku, name, category, on_hand_units, daily_units, status
FROM curated.current_inventory
WHERE status <> 'normal'
ORDER BY on_hand_units / greatest(daily_units, 0.01), store_id, sku

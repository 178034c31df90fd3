-- What was there and what came is what is there and what went.
SELECT event_date, store_id, sku FROM curated.fact_inventory
WHERE open_units + received_units + returned_units
    - sold_units - removed_units - unexplained_units <> close_units

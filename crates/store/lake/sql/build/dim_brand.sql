-- Brands of products, present and past.
SELECT DISTINCT natural_key(brand) AS brand_key, brand
FROM curated.dim_product

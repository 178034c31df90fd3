-- Brands of products, present and past.
SELECT DISTINCT md5(brand) AS brand_key, brand
FROM curated.dim_product

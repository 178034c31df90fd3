-- Whose log the tables follow: the first chain that is mirrored, until all is forgotten.
ALTER TABLE shelf.positions ADD COLUMN chain text;

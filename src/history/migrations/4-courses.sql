-- What became of each device and how long it took, in the roster's order: four bytes each (`course.rs`). Written with
-- the end of the run; what a killed run or an earlier version leaves has none.
ALTER TABLE run ADD COLUMN course BLOB;

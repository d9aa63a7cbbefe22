-- What is there already gets its digest from the program, before the next step.
ALTER TABLE file ADD COLUMN sha256 TEXT;

-- ECUs of a single bank (design D8). Every ECU known before has two.
ALTER TABLE ecu ADD COLUMN banks TEXT NOT NULL DEFAULT 'two';

-- The name of the image to return to where there is no second bank.
ALTER TABLE desired ADD COLUMN fallback TEXT;

csiPart({"name":"foo","vers":"1.1.0","description":"The crate foo","updated":"2026-01-01","kind":"library","dependents":1});

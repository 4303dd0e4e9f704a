csiPart({"name":"foo","vers":"1.1.0","description":"The crate foo","updated":"2026-01-01","kind":"library","dependents":1});
// 5c7374ca24b1b6a41f9e41664f48a4a8

csiPart({"name":"bar","vers":"0.1.0","description":"The crate bar","updated":"2026-01-02","kind":"library"});
// 827e09a352914372dbbc52fa6ad2e93c

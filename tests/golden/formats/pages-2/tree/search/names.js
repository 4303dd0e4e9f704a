csiPart({"schema":1,"list":"search/names","prefix":"","total":2,"common":"","parts":{},"rows":{"bar":["bar",0,2026],"foo":["foo",1,2026]},"about":{}});

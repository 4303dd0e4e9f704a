csiPart({"schema":1,"list":"search/names","prefix":"","total":2,"common":"","parts":{},"rows":{"bar-bar":["Bar_bar","The crate Bar_bar",""],"foo":["foo","The crate foo","golden"]},"about":{}});

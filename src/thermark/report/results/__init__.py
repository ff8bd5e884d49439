"""One record a data set and contestant: all that tables, the page, the gate and exports read."""

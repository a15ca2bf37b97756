"""One file a connector and direction, named as its docs page is."""

"""Values of records edited by jq expressions."""

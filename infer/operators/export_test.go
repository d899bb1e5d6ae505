package operators

var Use = use

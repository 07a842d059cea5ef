"""The desk: where accounts' orders are taken, journalled, executed and told of."""

"""trial: plans, order, candidates, evaluators, sequential evidence."""

"""What stops a training run, in sentences that say what to do."""


class TrainingError(Exception):
    """Base of the failures that a person who trains can mend."""


class MissingWeights(TrainingError):
    """Weights that a recipe starts from are not installed; the message says how to get them."""


class NonFiniteLoss(TrainingError):
    """The loss became NaN or infinite; the message names the step and the last good checkpoint."""

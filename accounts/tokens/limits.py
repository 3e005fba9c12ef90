"""What a token may be, on the page and in the API alike."""

LONGEST_NAME = 60  # characters
LONGEST = 365  # days until a token ends
TERMS = (30, 90, LONGEST)  # days that the page offers
MOST = 20  # tokens of one account

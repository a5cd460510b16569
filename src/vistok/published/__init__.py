"""The paper's tables, digit for digit, and facts about them that no CSV holds."""

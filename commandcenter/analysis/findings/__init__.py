"""The life of findings from analysis to analysis: the table of states, the matching, the one writer."""

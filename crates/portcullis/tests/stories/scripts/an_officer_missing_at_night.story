# Clara, the only independent approver, sleeps. There is no way around her: nothing is blocked until she signs, and what
# nobody approved within the hour is void.
2026-11-23 02:00  nora opens cas-1 cus_first: A threat at night
                  nora attaches cas-1 evd-1 captured "our capture": Name, place and hour.
                  nora attaches cas-1 evd-2 authority "the police": The same, from another source of theirs.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 03:00: What we consider doing.
                  nora answers cas-1 ref-1 cannot-in-time "the duty officer, called back": Not tonight.
                  anna judges cas-1 all met evd-1,evd-2: As both say.
2026-11-23 02:10  anna finds fnd-1 cas-1 cus_first
                  ben signs fnd-1
                  ben proposes imp-1 fnd-1 cas-1 cus_first for 48: Tonight, a named person.
# Whoever is awake is not enough: an assessor, the proposer, a reviewer who approves nothing, legal.
                  anna signs imp-1
  refused: would not count
                  dora signs imp-1
  refused: would not count
                  emil signs imp-1
  refused: would not count
  serving cus_first
2026-11-23 03:11  clara signs imp-1
  refused: is void
  serving cus_first
# She woke up too late for that text; the finding still carries a new one.
2026-11-23 03:12  ben proposes imp-2 fnd-1 cas-1 cus_first for 48: Tonight, a named person.
                  clara signs imp-2
  blocked cus_first

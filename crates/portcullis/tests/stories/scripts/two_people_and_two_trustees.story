# The smallest house that can decide and confirm: two of its own, two of another organisation.
2026-11-23 12:00  ben opens cas-1 cus_first: A threat
                  ben attaches cas-1 evd-1 captured "our capture": Name, place and hour.
                  ben attaches cas-1 evd-2 reporter "the target": The same.
                  ben tells cas-1 ref-1 aut-police SE phone by 2026-11-23 13:00: What we consider doing.
                  ben judges cas-1 all met evd-1,evd-2: As both say.
  closed cas-1: has time to answer until 2026-11-23T13:00:00Z
  impossible cus_first: has time to answer
2026-11-23 13:00  anna finds fnd-1 cas-1 cus_first
                  ben signs fnd-1
                  ben proposes imp-1 fnd-1 cas-1 cus_first for 48: Today, a named person.
# The two of the house cannot do it alone.
                  anna signs imp-1
  refused: would not count
  serving cus_first
                  clara signs imp-1
  blocked cus_first
# Who approved does not confirm; who signed nothing before does.
2026-11-25 11:00  clara validates con-1 imp-1: It holds.
  refused: would not count
                  dora signs con-1
  blocked cus_first
2026-11-25 13:01
  blocked cus_first
2026-11-26 12:59
  blocked cus_first
2026-11-26 13:00
  serving cus_first
  public /decisions/imp-1: imp-1

# Those whom a block hit come back under another account. It is another customer: nothing follows it by itself.
2026-11-23 12:00  nora opens cas-1 cus_first: A threat
                  nora attaches cas-1 evd-1 captured "our capture": Name, place and hour.
                  nora attaches cas-1 evd-2 archive "a notarised archive": The same.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 13:00: What we consider doing.
                  nora answers cas-1 ref-1 cannot-in-time "the duty officer, called back": Three days.
                  anna judges cas-1 all met evd-1,evd-2: As both say.
                  anna finds fnd-1 cas-1 cus_first
                  ben signs fnd-1
                  ben proposes imp-1 fnd-1 cas-1 cus_first for 48: Today, a named person.
                  clara signs imp-1
  blocked cus_first
2026-11-23 15:00  the-crowd reports harassment shop.second.example x500: They are back under this name. Block them too.
  serving cus_second
# Neither the old finding nor the old case carries a decision about another customer without one about that customer.
                  ben proposes imp-2 fnd-1 cas-1 cus_second for 48: They are the same people.
  refused: carried a decision already
  serving cus_second
# Nor do the facts about one customer find anything about another, whoever says so.
                  anna finds fnd-3 cas-1 cus_second
  refused: cas-1 is about cus_first, not cus_second
  impossible cus_second: cas-1 is about cus_first
# A case of its own does, with evidence of its own.
2026-11-23 15:30  nora opens cas-2 cus_second: The same people under another name
                  nora links cas-2 shop.second.example
  impossible cus_second: no authority was told
                  nora attaches cas-2 evd-3 captured "our capture": The same threat, today, behind this hostname.
                  nora attaches cas-2 evd-4 reporter "the target": The same, and who writes it.
                  nora tells cas-2 ref-1 aut-police SE phone by 2026-11-23 17:00: That they are back.
                  nora answers cas-2 ref-1 cannot-in-time "the duty officer, called back": Three days.
                  anna judges cas-2 all met evd-3,evd-4: As both say, of this customer.
                  anna finds fnd-2 cas-2 cus_second
                  ben signs fnd-2
                  ben proposes imp-3 fnd-2 cas-2 cus_second for 48: Today, a named person.
                  clara signs imp-3
  blocked cus_second

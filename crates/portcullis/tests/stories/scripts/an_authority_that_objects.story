# Police says that a block would harm its work. Nothing it writes executes anything, and nothing goes on before people
# have decided again.
2026-11-23 12:00  nora opens cas-1 cus_first: A threat
                  nora attaches cas-1 evd-1 captured "our capture": Name, place and hour.
                  nora attaches cas-1 evd-2 authority "the police": The same, from a source of theirs.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 13:00: What we consider doing; whether it would harm anything.
                  nora answers cas-1 ref-1 cannot-in-time "the duty officer, called back": Not within the window.
                  anna judges cas-1 all met evd-1,evd-2: As both say.
  open cas-1
2026-11-23 12:10  nora answers cas-1 ref-1 objects "the lead investigator, called back": We watch the thread; if it is gone, we lose him.
  closed cas-1: the authority of ref-1 objects
                  anna finds fnd-1 cas-1 cus_first
  refused: objects
# Weighed and found lighter: two decide again, knowing why.
2026-11-23 12:30  anna judges cas-1 proportionate met: The investigator has copies and the connection data; the person at risk wants it blocked.
  open cas-1
                  anna finds fnd-1 cas-1 cus_first
                  ben signs fnd-1
                  ben proposes imp-1 fnd-1 cas-1 cus_first for 48: Today, a named person.
# It comes once more before the last signature: the text waits, whoever signs it.
2026-11-23 12:40  nora answers cas-1 ref-1 objects "the lead investigator, called back": Give us until one o'clock.
                  clara signs imp-1
  serving cus_first
2026-11-23 13:00  nora answers cas-1 ref-1 withdraws "the lead investigator, called back": He is in custody of our eyes; go on.
2026-11-23 13:01
  blocked cus_first
# It objects while it runs: whoever would confirm it hears of it first, and anybody may end it.
2026-11-24 09:00  nora answers cas-1 ref-1 objects "the lead investigator, called back": It drives them to a place we cannot see.
                  dora validates con-1 imp-1: It holds.
  refused: objects
  blocked cus_first
2026-11-24 09:30  emil lifts lif-1 imp-1 over: The investigator's reasons weigh more than a day of this block.
  serving cus_first
  nowhere: we lose him

# The customer is asked while the finding is being written, and takes the page down: what is gone contributes to nothing.
2026-11-23 18:00  a-mother reports threat-to-life forum.first.example: They name my son's school and tomorrow morning.
2026-11-23 18:03  nora opens cas-1 cus_first: A threat against a school
                  nora links cas-1 forum.first.example
                  nora attaches cas-1 evd-1 captured "our capture": The thread with the school and the hour.
                  nora attaches cas-1 evd-2 reporter "the mother": The same, seen on her own machine.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 20:00: The school, the hour, who writes.
                  nora answers cas-1 ref-1 cannot-in-time "the duty officer, called back": An order takes two days; a car is on its way.
                  anna judges cas-1 all met evd-1,evd-2: As the two sources say.
  open cas-1
2026-11-23 18:18  nora saw cas-1 2026-11-23 18:16: The customer removed the thread and its copies, and locked the account.
                  nora attaches cas-1 evd-3 captured "our capture": Thread, copies and account answer 410.
                  ben judges cas-1 nexus not_met evd-3: Nothing of it is reachable through us any more.
  closed cas-1: `nexus` is not met
                  anna finds fnd-1 cas-1 cus_first
  refused: `nexus` is not met
                  nora replies forum.first.example acted: The customer took it down within fifteen minutes; the police has all of it.
                  nora closes cas-1 remedied: Taken down in time.
  serving cus_first
  nowhere: school
# It comes back the next morning: nobody starts anew, and what was judged before is judged again.
2026-11-24 19:00  nora saw cas-1 2026-11-24 18:50: The thread is back.
  refused: closed

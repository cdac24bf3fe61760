# A mistake: the threat was on another site. One person ends it at once, and the record says that it was an error.
2026-11-23 12:00  nora opens cas-1 cus_second: A threat in a shop's comments
                  nora attaches cas-1 evd-1 captured "our capture": Name, place and hour.
                  nora attaches cas-1 evd-2 reporter "a reader": The same.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 16:00: What we consider doing.
                  nora answers cas-1 ref-1 declines "the duty officer, called back": Not theirs.
                  anna judges cas-1 all met evd-1,evd-2: As both say.
                  anna finds fnd-1 cas-1 cus_second
                  ben signs fnd-1
                  ben proposes imp-1 fnd-1 cas-1 cus_second for 48: Today, a named person.
                  clara signs imp-1
  blocked cus_second
  serving cus_first
2026-11-23 12:20  nora saw cas-1 2026-11-23 12:15: The customer calls: the comments are on another shop of the same name.
                  emil lifts lif-1 imp-1 error: The comments are not behind this hostname; we blocked the wrong site.
  serving cus_second
  public /posts/imp-1: we blocked the wrong site
  public /decisions/imp-1: it should not have been imposed
# What was found does not carry a second attempt.
                  ben proposes imp-2 fnd-1 cas-1 cus_first for 48: The right one now.
  refused: carried a decision already

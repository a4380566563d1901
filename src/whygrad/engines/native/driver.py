"""The loop over the steps of an epoch, in machine code."""

from __future__ import annotations

DRIVER = """
define i64 @epoch(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control,
                  i64 %count, ptr %moves, i64 %moved) {
entry:
  %stop.p = getelementptr i64, ptr %control, i64 2
  %started = call i1 @gate(ptr %control, i64 %thread)
  br i1 %started, label %start, label %never
start:
  %mode = call i64 @flush()
  call void @begin(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %count)
  call void @barrier(ptr %control, i64 %threads)
  br label %step
step:
  %k = phi i64 [ 0, %start ], [ %k.next, %moving ]
  %k.next = add i64 %k, 1
  %left = sub i64 %count, %k.next
  call void @step(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left)
  call void @barrier(ptr %control, i64 %threads)
  %stop = load atomic i64, ptr %stop.p monotonic, align 8
  %stopped = icmp ne i64 %stop, 0
  br i1 %stopped, label %last, label %next
next:
  %more = icmp ult i64 %k.next, %count
  br i1 %more, label %moving, label %done
moving:
  %m = phi i64 [ 0, %next ], [ %m.next, %move ]
  %still = icmp ult i64 %m, %moved
  br i1 %still, label %move, label %step
move:
  %move.p = getelementptr [2 x i64], ptr %moves, i64 %m
  %slot = load i64, ptr %move.p
  %stride.p = getelementptr i64, ptr %move.p, i64 1
  %stride = load i64, ptr %stride.p
  %place = getelementptr ptr, ptr %buffers, i64 %slot
  %old = load ptr, ptr %place
  %new = getelementptr i8, ptr %old, i64 %stride
  store ptr %new, ptr %place
  %m.next = add i64 %m, 1
  br label %moving
done:
  call void @end(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 0)
  br label %last
last:
  %steps = phi i64 [ %k, %step ], [ %k.next, %done ]
  call void @unflush(i64 %mode)
  ret i64 %steps
never:
  ret i64 0
}
"""
"""`@epoch` calls `@step` up to `count` times and returns how many steps went well.

All threads call it, each with its own number and its own table of buffers, and tell `@step` how
many steps are left after it. Before the first step `@begin` brings what is updated into the layout
in which the steps keep it, and after the last one `@end` brings it back. From step to step some of
the pointers in the table move on: `moves` holds pairs of a slot and a number of bytes (those of the
rows of a batch, of its noise, of its cost).

The loop ends early, in all threads alike, after a step that set a flag in `control`; what is
updated is then not brought back, so the caller has the values from before the call. It needs
`@barrier` and `@gate`, see `threads`, and `@flush` and `@unflush`, see `subnormals`.
"""

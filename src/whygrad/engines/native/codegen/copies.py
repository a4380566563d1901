"""Copies of tensors in the caller's memory into the engine's own, and back."""

from __future__ import annotations

COPY = """
define internal void @copy(ptr %to, ptr %from, i64 %to_step, i64 %from_step,
                           i64 %bytes, i64 %rows) {
entry:
  br label %row
row:
  %k = phi i64 [ 0, %entry ], [ %next, %row ]
  %t = mul i64 %k, %to_step
  %f = mul i64 %k, %from_step
  %to.k = getelementptr i8, ptr %to, i64 %t
  %from.k = getelementptr i8, ptr %from, i64 %f
  call void @llvm.memcpy.p0.p0.i64(ptr %to.k, ptr %from.k, i64 %bytes, i1 false)
  %next = add i64 %k, 1
  %more = icmp ult i64 %next, %rows
  br i1 %more, label %row, label %done
done:
  ret void
}
"""
"""Copies so many rows, each of so many bytes, the steps from row to row (in bytes) apart."""

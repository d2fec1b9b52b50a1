// pipeline: plan-allocs
// Three buffers of which two are alive at a time; a view is taken of the arena's part.
module {
  func.func @main(%arg0: memref<8xf32>, %arg1: memref<4xf32>) {
    %a = memref.alloc() : memref<8xf32>
    memref.copy %arg0, %a : memref<8xf32> to memref<8xf32>
    %b = memref.alloc() : memref<8xf32>
    memref.copy %a, %b : memref<8xf32> to memref<8xf32>
    memref.dealloc %a : memref<8xf32>
    %c = memref.alloc() {alignment = 128 : i64} : memref<8xf32>
    memref.copy %b, %c : memref<8xf32> to memref<8xf32>
    memref.dealloc %b : memref<8xf32>
    %d = memref.subview %c[0] [4] [1] : memref<8xf32> to memref<4xf32>
    memref.copy %d, %arg1 : memref<4xf32> to memref<4xf32>
    memref.dealloc %c : memref<8xf32>
    return
  }
}

// ---- becomes
module {
  func.func @main(%arg0: memref<8xf32>, %arg1: memref<4xf32>) attributes {mem.memref = {alloc_bytes = 96 : i64, allocs = 3 : i64, arena_bytes = 160 : i64, bound_bytes = 160 : i64, heap_bytes = 0 : i64}} {
    %alloc = memref.alloc() {alignment = 128 : i64} : memref<160xi8>
    %c0 = arith.constant 0 : index
    %view = memref.view %alloc[%c0][] : memref<160xi8> to memref<8xf32>
    %c128 = arith.constant 128 : index
    %view_0 = memref.view %alloc[%c128][] : memref<160xi8> to memref<8xf32>
    memref.copy %arg0, %view : memref<8xf32> to memref<8xf32>
    memref.copy %view, %view_0 : memref<8xf32> to memref<8xf32>
    memref.copy %view_0, %view : memref<8xf32> to memref<8xf32>
    %subview = memref.subview %view[0] [4] [1] : memref<8xf32> to memref<4xf32>
    memref.copy %subview, %arg1 : memref<4xf32> to memref<4xf32>
    memref.dealloc %alloc : memref<160xi8>
    return
  }
}

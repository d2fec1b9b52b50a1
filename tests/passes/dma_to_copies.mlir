// pipeline: dma-to-copies{at=start}
// A copy that is waited for later happens when it is started.
module {
  func.func @main(%arg0: memref<4xf32>, %arg1: memref<4xf32, 1>) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %tags = memref.alloca() : memref<1xi32>
    memref.dma_start %arg0[%c0], %arg1[%c0], %c4, %tags[%c0] : memref<4xf32>, memref<4xf32, 1>, memref<1xi32>
    %0 = arith.addi %c4, %c4 : index
    memref.dma_wait %tags[%c0], %c4 : memref<1xi32>
    return
  }
}

// ---- becomes
module {
  func.func @main(%arg0: memref<4xf32>, %arg1: memref<4xf32, 1>) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %alloca = memref.alloca() : memref<1xi32>
    memref.copy %arg0, %arg1 : memref<4xf32> to memref<4xf32, 1>
    %0 = arith.addi %c4, %c4 : index
    return
  }
}

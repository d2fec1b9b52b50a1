// pipeline: insert-transfers,lower-to-memref
// One arena; what leaves the chip lies in the heap; a view of a view is a cast of its buffer.
module @spill attributes {mem.format = "cosmalloc.ir/1", mem.outcome = {bound = 0.000000e+00 : f64, objective = "traffic", solver = "greedy", status = "feasible", value = 3.200000e+01 : f64}, mem.problem = "spill", mem.reading = {weights = "(params|weights|variables|batch_stats|opt_state|state)\\b"}, mem.target = {alignment = 16 : i64, copy_engines = 2 : i64, flops_per_second = 1.024000e+12 : f64, name = "custom", offchip_read_bytes_per_second = 3.750000e+09 : f64, offchip_write_bytes_per_second = 3.750000e+09 : f64, onchip_read_bytes_per_second = 1.600000e+10 : f64, onchip_write_bytes_per_second = 1.600000e+10 : f64, operand_rule = "resident", scratchpad_bytes = 48 : i64}} {
  func.func public @main(%arg0: tensor<4xf32>) -> tensor<4xf32> attributes {mem.transfers = dense<[[0, 0, 0, 0, 0, 3], [1, 1, 1, 2, -1, -1], [1, 0, 3, 3, 0, 4], [4, 1, 4, 4, -1, -1]]> : tensor<4x6xi64>} {
    %0 = stablehlo.abs %arg0 {mem.offsets = dense<32> : tensor<1xi64>, mem.operator = 0 : i64, mem.step = 0 : i64, mem.stops = dense<2> : tensor<1xi64>} : tensor<4xf32>
    %1 = stablehlo.reshape %0 : (tensor<4xf32>) -> tensor<2x2xf32>
    %2 = stablehlo.sqrt %arg0 {mem.offsets = dense<16> : tensor<1xi64>, mem.operator = 1 : i64, mem.step = 1 : i64, mem.stops = dense<3> : tensor<1xi64>} : tensor<4xf32>
    %3 = stablehlo.add %2, %arg0 {mem.offsets = dense<32> : tensor<1xi64>, mem.operator = 2 : i64, mem.step = 2 : i64, mem.stops = dense<4> : tensor<1xi64>} : tensor<4xf32>
    %4 = stablehlo.reshape %3 : (tensor<4xf32>) -> tensor<2x2xf32>
    %5 = stablehlo.add %1, %4 {mem.offsets = dense<16> : tensor<1xi64>, mem.operator = 3 : i64, mem.step = 3 : i64, mem.stops = dense<4> : tensor<1xi64>} : tensor<2x2xf32>
    %6 = stablehlo.reshape %5 : (tensor<2x2xf32>) -> tensor<4xf32>
    return %6 : tensor<4xf32>
  }
}

// ---- becomes
module @spill attributes {mem.memref = {arena_bytes = 48 : i64, heap_bytes = 16 : i64}} {
  func.func private @abs.0(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c1 = arith.constant 1 : index
    scf.for %arg2 = %c0 to %c4 step %c1 {
      %0 = memref.load %arg0[%arg2] : memref<4xf32>
      %1 = math.absf %0 : f32
      memref.store %1, %arg1[%arg2] : memref<4xf32>
    }
    return
  }
  func.func private @sqrt.1(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c1 = arith.constant 1 : index
    scf.for %arg2 = %c0 to %c4 step %c1 {
      %0 = memref.load %arg0[%arg2] : memref<4xf32>
      %1 = math.sqrt %0 : f32
      memref.store %1, %arg1[%arg2] : memref<4xf32>
    }
    return
  }
  func.func private @add.2(%arg0: memref<4xf32>, %arg1: memref<4xf32>, %arg2: memref<4xf32>) {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %c1 = arith.constant 1 : index
    scf.for %arg3 = %c0 to %c4 step %c1 {
      %0 = memref.load %arg0[%arg3] : memref<4xf32>
      %1 = memref.load %arg1[%arg3] : memref<4xf32>
      %2 = arith.addf %0, %1 : f32
      memref.store %2, %arg2[%arg3] : memref<4xf32>
    }
    return
  }
  func.func private @add.3(%arg0: memref<2x2xf32>, %arg1: memref<2x2xf32>, %arg2: memref<2x2xf32>) {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c1 = arith.constant 1 : index
    scf.for %arg3 = %c0 to %c2 step %c1 {
      scf.for %arg4 = %c0 to %c2 step %c1 {
        %0 = memref.load %arg0[%arg3, %arg4] : memref<2x2xf32>
        %1 = memref.load %arg1[%arg3, %arg4] : memref<2x2xf32>
        %2 = arith.addf %0, %1 : f32
        memref.store %2, %arg2[%arg3, %arg4] : memref<2x2xf32>
      }
    }
    return
  }
  memref.global "private" @arena : memref<48xi8, 1> = uninitialized {alignment = 64 : i64}
  func.func @main(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %alloca = memref.alloca() : memref<4xi32>
    %0 = memref.get_global @arena : memref<48xi8, 1>
    %alloc = memref.alloc() {alignment = 64 : i64} : memref<16xi8>
    %view = memref.view %0[%c0][] : memref<48xi8, 1> to memref<4xf32, 1>
    memref.dma_start %arg0[%c0], %view[%c0], %c4, %alloca[%c0] : memref<4xf32>, memref<4xf32, 1>, memref<4xi32>
    memref.dma_wait %alloca[%c0], %c4 : memref<4xi32>
    %memspacecast = memref.memory_space_cast %view : memref<4xf32, 1> to memref<4xf32>
    %view_0 = memref.view %0[%c32][] : memref<48xi8, 1> to memref<4xf32, 1>
    %memspacecast_1 = memref.memory_space_cast %view_0 : memref<4xf32, 1> to memref<4xf32>
    call @abs.0(%memspacecast, %memspacecast_1) : (memref<4xf32>, memref<4xf32>) -> ()
    %view_2 = memref.view %alloc[%c0][] : memref<16xi8> to memref<4xf32>
    memref.dma_start %view_0[%c0], %view_2[%c0], %c4, %alloca[%c1] : memref<4xf32, 1>, memref<4xf32>, memref<4xi32>
    %view_3 = memref.view %0[%c16][] : memref<48xi8, 1> to memref<4xf32, 1>
    %memspacecast_4 = memref.memory_space_cast %view_3 : memref<4xf32, 1> to memref<4xf32>
    call @sqrt.1(%memspacecast, %memspacecast_4) : (memref<4xf32>, memref<4xf32>) -> ()
    memref.dma_wait %alloca[%c1], %c4 : memref<4xi32>
    call @add.2(%memspacecast_4, %memspacecast, %memspacecast_1) : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> ()
    memref.dma_start %view_2[%c0], %view[%c0], %c4, %alloca[%c2] : memref<4xf32>, memref<4xf32, 1>, memref<4xi32>
    memref.dma_wait %alloca[%c2], %c4 : memref<4xi32>
    %view_5 = memref.view %0[%c0][] : memref<48xi8, 1> to memref<2x2xf32, 1>
    %memspacecast_6 = memref.memory_space_cast %view_5 : memref<2x2xf32, 1> to memref<2x2xf32>
    %view_7 = memref.view %0[%c32][] : memref<48xi8, 1> to memref<2x2xf32, 1>
    %memspacecast_8 = memref.memory_space_cast %view_7 : memref<2x2xf32, 1> to memref<2x2xf32>
    %view_9 = memref.view %0[%c16][] : memref<48xi8, 1> to memref<2x2xf32, 1>
    %memspacecast_10 = memref.memory_space_cast %view_9 : memref<2x2xf32, 1> to memref<2x2xf32>
    call @add.3(%memspacecast_6, %memspacecast_8, %memspacecast_10) : (memref<2x2xf32>, memref<2x2xf32>, memref<2x2xf32>) -> ()
    %reinterpret_cast = memref.reinterpret_cast %arg1 to offset: [0], sizes: [2, 2], strides: [2, 1] : memref<4xf32> to memref<2x2xf32>
    memref.dma_start %view_9[%c0, %c0], %reinterpret_cast[%c0, %c0], %c4, %alloca[%c3] : memref<2x2xf32, 1>, memref<2x2xf32>, memref<4xi32>
    memref.dma_wait %alloca[%c3], %c4 : memref<4xi32>
    memref.dealloc %alloc : memref<16xi8>
    return
  }
}

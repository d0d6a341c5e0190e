import numpy as np, h5py
# 48 binary images 64x64: a square at 4x4 positions, 3 sizes
im=[];fa=[]
for s in range(3):
    for y in range(4):
        for x in range(4):
            a=np.zeros((64,64),np.uint8); w=6+4*s
            a[6+13*y:6+13*y+w,6+13*x:6+13*x+w]=1
            im.append(a);fa.append((s,y,x))
with h5py.File('squares.h5','w') as f:
    f.create_dataset('images',data=np.array(im),compression='gzip')
    d=f.create_dataset('factors',data=np.array(fa,np.int64)); d.attrs['names']=np.array(['size','row','column'],dtype='S8')
